"""Serve the plugin: ``python -m localcloud.cloudflare ENGINE_ADDRESS`` (the engine runs it)."""

import sys

from localcloud.cloudflare import VERSION
from localcloud.cloudflare.provider import CloudflareProvider
from pluginhost import main

if __name__ == "__main__":
    main(CloudflareProvider(), sys.argv[1:], version=VERSION)
