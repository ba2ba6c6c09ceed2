"""The plugin's entry point: ``python -m providers ENGINE_ADDRESS``, as the engine starts it."""

import sys

from pluginhost import main
from providers.plugin.server import CustomragProvider
from providers.wire import VERSION

if __name__ == "__main__":
    main(CustomragProvider(), sys.argv[1:], version=VERSION)
