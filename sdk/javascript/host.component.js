// The host, in a component.

import * as clock from 'xqute:plugin/clock@0.1.0';
import * as keyValue from 'xqute:plugin/key-value@0.1.0';
import * as log from 'xqute:plugin/log@0.1.0';
import * as mounts from 'xqute:plugin/mounts@0.1.0';
import * as process from 'xqute:plugin/process@0.1.0';
import * as run from 'xqute:plugin/run@0.1.0';

export const host = { clock, keyValue, log, mounts, process, run };
