"""Nova's fake driver, made to behave like one real host.

Guests outlive a restart of nova-compute (they are kept in a file), the host
has a size, a boot can take time, and a boot can be made to fail.
"""
import json
import os
import threading
import time

from nova import conf
from nova import exception
from nova.virt import fake

CONF = conf.CONF


class _Guests(dict):
    """uuid -> FakeInstance, kept in a file."""

    def __init__(self, path):
        super().__init__()
        self._path = path
        self._lock = threading.Lock()   # nova builds and deletes in several threads
        try:
            with open(path) as f:
                saved = json.load(f)
        except FileNotFoundError:
            saved = {}
        for uuid, (name, state) in saved.items():
            super().__setitem__(uuid, fake.FakeInstance(name, state, uuid))

    def save(self):
        new = self._path + '.new'
        with self._lock:
            with open(new, 'w') as f:
                json.dump({u: [i.name, i.state] for u, i in list(self.items())}, f)
            os.replace(new, self._path)

    def __setitem__(self, uuid, guest):
        super().__setitem__(uuid, guest)
        self.save()

    def __delitem__(self, uuid):
        super().__delitem__(uuid)
        self.save()


class LabDriver(fake.FakeDriverWithoutFakeNodes):
    vcpus = int(os.environ.get('LAB_HOST_VCPUS', 64))
    memory_mb = int(os.environ.get('LAB_HOST_MEMORY_MB', 262144))
    local_gb = int(os.environ.get('LAB_HOST_DISK_GB', 4000))

    def init_host(self, host):
        super().init_host(host)
        self.instances = _Guests(os.path.join(CONF.state_path, 'guests.json'))

    def _fault(self, name):
        return os.path.exists(os.path.join(CONF.state_path, name))

    def spawn(self, context, instance, *args, **kwargs):
        if self._fault('fail-abort'):
            raise exception.BuildAbortException(
                instance_uuid=instance.uuid, reason='fault put in by hand')
        if self._fault('fail-spawn'):
            raise exception.ComputeResourcesUnavailable(
                reason='fault put in by hand')
        time.sleep(float(os.environ.get('LAB_SPAWN_SECONDS', 0)))
        while self._fault('stall-spawn'):
            time.sleep(0.1)
        super().spawn(context, instance, *args, **kwargs)

    def power_off(self, instance, *args, **kwargs):
        super().power_off(instance, *args, **kwargs)
        self.instances.save()

    def power_on(self, context, instance, *args, **kwargs):
        super().power_on(context, instance, *args, **kwargs)
        self.instances.save()
