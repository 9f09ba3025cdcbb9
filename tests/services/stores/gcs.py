"""The Google Cloud Storage emulator, nearer to the real one: that leaves out what is not there, where this one says null,
takes objects that are empty, speaks with several clients at once, and does not get slower with each object."""

import sys
import threading
from http.server import BaseHTTPRequestHandler

from gcp_storage_emulator import __main__ as emulator
from gcp_storage_emulator import server
from gcp_storage_emulator.handlers import objects
from gcp_storage_emulator.storage import Storage


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


say = server.Response.json
server.Response.json = lambda self, value: say(self, without_nulls(value))
upload = objects._media_upload


def upload_all(request, response, storage):
    if request.data is None:
        request._data = b""
    return upload(request, response, storage)


objects._media_upload = upload_all

# Nobody comes back to what is in memory; to write down what there is takes longer with each object.
Storage._write_config_to_file = lambda self: None

# A client may open a connection that it does not use; others must not wait for that. What is done is done one by one.
lock = threading.Lock()
handle = server.Router.handle


def handle_alone(router, method):
    with lock:
        return handle(router, method)


server.Router.handle = handle_alone
# Nor for one that was killed in the middle.
BaseHTTPRequestHandler.timeout = 10
server.server.HTTPServer = server.server.ThreadingHTTPServer
server.server.HTTPServer.request_queue_size = 128
sys.exit(emulator.main(sys.argv[1:]))
