"""Serve the plugin: ``python -m localcloud.alicloud ENGINE_ADDRESS`` (the engine runs it)."""

import sys

from localcloud.alicloud import VERSION
from localcloud.alicloud.provider import AlicloudProvider
from pluginhost import main

if __name__ == "__main__":
    main(AlicloudProvider(), sys.argv[1:], version=VERSION)
