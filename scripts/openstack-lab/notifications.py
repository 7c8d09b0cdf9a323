"""How notifications are written: the notification itself, with the request that it came from.

oslo.messaging's `log` driver leaves out the context, and with it the global request id, which on the bus travels beside
the notification.
"""
import json
import logging

from oslo_context import context


class Formatter(logging.Formatter):
    def format(self, record):
        message = json.loads(record.getMessage())
        current = context.get_current()
        message['request_id'] = getattr(current, 'request_id', None)
        message['global_request_id'] = getattr(current, 'global_request_id', None)
        return json.dumps(message)
