// The smallest plugin: it greets every job that succeeds. Copy it to start your own.

import { Observer, log } from 'xqute-plugin';

export class Hello extends Observer {
  onJobSucceeded(job) {
    log.info(`hello from job ${job.job}`);
  }
}
