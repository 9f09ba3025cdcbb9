"""Errors on their way to the host."""

from __future__ import annotations

import functools
import traceback

from ..host import log
from ..values import Error, to_contract


def told(function):
    """Has the log say what went wrong, before the call ends in a trap."""

    @functools.wraps(function)
    def call(*args):
        try:
            return function(*args)
        except Error as error:
            raise to_contract(error) from None
        except BaseException:
            log.error(traceback.format_exc().rstrip())
            raise

    return call
