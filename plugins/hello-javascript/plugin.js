// The smallest plugin: it greets every job that succeeds. `xqute plugin new` makes one of your own.

import { Observer, log } from 'xqute-plugin';

export class Hello extends Observer {
  onJobSucceeded(job) {
    log.info(`hello from job ${job.job}`);
  }
}
