"""What the OpenSearch package is made of. Data only.

The engine is the vendor's integration-test distribution, which has no plugins. The plugins are the
vendor's own. Three modules of the full distribution are built here from their jars, because only
their jars are published: lang-painless, which k-NN needs; lang-mustache, for search templates; and
reindex, because ml-commons deletes a model's content by query.

ml-commons 2.19 asks DJL 0.31.1 for libtorch 1.13.1, and DJL would fetch it from the Internet. The
JNI library for that pair is not published as an artifact. libtorch 2.5.1 with the JNI library of
DJL 0.32.0 works in its place, under the file names that DJL 0.31.1 looks for (tested with a traced
MiniLM: tests/opensearch_node).
"""

from __future__ import annotations

from typing import Final

from localcloud.core.maven import Artifact

__all__ = ["ENGINE", "LIBTORCH", "LIBTORCH_JNI", "MODULES", "PLUGINS", "VERSION", "Module"]

VERSION: Final = "2.19.1"

# Digests: the artifacts from Maven Central, 2026-11.
ENGINE: Final = Artifact(
    group="org.opensearch.distribution.integ-test-zip",
    name="opensearch",
    version=VERSION,
    extension="zip",
    sha256="af7152d8b7f6f1cee09d47276b32b70479fe6dd8cdbb61213f84eb7f8098b261",
)

PLUGINS: Final = tuple(
    Artifact(
        group="org.opensearch.plugin",
        name=name,
        version=f"{VERSION}.0",
        extension="zip",
        sha256=sha256,
    )
    for name, sha256 in {
        "opensearch-job-scheduler": (
            "a54e12582b88a4c173d6e58b16fbc609df12a04eff010ae30396905a1a882bf6"
        ),
        "opensearch-knn": "eab8c9818865bc035212eab5068cdacae164baa09d4c152f49b736d6f6b0e85c",
        "opensearch-ml-plugin": (
            "2324234d81109dcb2c488da5a6b2034cc0f78d9d08e40ce49ba59fc423a5df5f"
        ),
        "neural-search": "b17ca1d774692902c58cbae102bf463970740c31d81446866e8eabd336e285aa",
        "opensearch-security": "94a04f12ac6033902209fac1e4e512618d45beee604bbf0e42c3ed79c55220cf",
    }.items()
)


class Module:
    """A module of the full distribution, built from its jars.

    Attributes:
        name: Name of its folder.
        plugin_class: The Java class that the engine loads.
        permissions: What its code may do under Java's security manager.
        jars: Its jars.
    """

    def __init__(
        self,
        name: str,
        plugin_class: str,
        permissions: tuple[str, ...],
        jars: tuple[Artifact, ...],
    ) -> None:
        self.name = name
        self.plugin_class = plugin_class
        self.permissions = permissions
        self.jars = jars

    @property
    def descriptor(self) -> str:
        """The text of ``plugin-descriptor.properties``."""
        return (
            f"description=Module {self.name}\nversion={VERSION}\nname={self.name}\n"
            f"classname={self.plugin_class}\njava.version=11\nopensearch.version={VERSION}\n"
            "custom.foldername=\nextended.plugins=\nhas.native.controller=false\n"
        )

    @property
    def policy(self) -> str:
        """The text of ``plugin-security.policy``."""
        lines = "".join(f"  permission {permission};\n" for permission in self.permissions)
        return f"grant {{\n{lines}}};\n"


def _asm(name: str, sha256: str) -> Artifact:
    return Artifact(group="org.ow2.asm", name=name, version="9.7", sha256=sha256)


# The permissions come from the modules in OpenSearch's repository, tag 2.19.1:
# modules/*/src/main/plugin-metadata.
MODULES: Final = (
    Module(
        "lang-painless",
        "org.opensearch.painless.PainlessPlugin",
        (
            'java.lang.RuntimePermission "createClassLoader"',
            'java.lang.RuntimePermission "getClassLoader"',
        ),
        (
            Artifact(
                group="org.opensearch.plugin",
                name="lang-painless",
                version=VERSION,
                sha256="3cf5e02efa40ff5b88e74e1ab66a0bc462de3509fab4a6a4ffe90b8d13777a9a",
            ),
            Artifact(
                group="org.opensearch.plugin",
                name="opensearch-scripting-painless-spi",
                version=VERSION,
                sha256="c2598797a5f6f897ce7e8d05f593ff96de3fbc56c52f299d63cddcae41556dda",
            ),
            Artifact(
                group="org.antlr",
                name="antlr4-runtime",
                version="4.13.1",
                sha256="54665d2838cc66458343468efc539e454fc95b46a8a04b13c6ac43fc9be63505",
            ),
            _asm("asm", "adf46d5e34940bdf148ecdd26a9ee8eea94496a72034ff7141066b3eea5c4e9d"),
            _asm(
                "asm-analysis",
                "7bc6bcbc21379948a0c8c467fb0f864206e5b818f6bc0b546872f5c9f941556f",
            ),
            _asm(
                "asm-commons",
                "389bc247958e049fc9a0408d398c92c6d370c18035120395d4cba1d9d9304b7a",
            ),
            _asm("asm-tree", "62f4b3bc436045c1acb5c3ba2d8ec556ec3369093d7f5d06c747eb04b56d52b1"),
            _asm("asm-util", "37a6414d36641973f1af104937c95d6d921b2ddb4d612c66c5a9f2b13fc14211"),
        ),
    ),
    Module(
        "lang-mustache",
        "org.opensearch.script.mustache.MustachePlugin",
        (
            'java.lang.RuntimePermission "getClassLoader"',
            'java.lang.reflect.ReflectPermission "suppressAccessChecks"',
        ),
        (
            Artifact(
                group="org.opensearch.plugin",
                name="lang-mustache-client",
                version=VERSION,
                sha256="3d688c8d05e517ddad94e439c61183b642aa1784daf7a4d76964d518f6c17135",
            ),
            Artifact(
                group="com.github.spullara.mustache.java",
                name="compiler",
                version="0.9.10",
                sha256="2b5a9217811cb99846a473fa8e0d233eb33629347b7f44941f6c0fbd4cdf1038",
            ),
        ),
    ),
    Module(
        "reindex",
        "org.opensearch.index.reindex.ReindexPlugin",
        ('java.net.SocketPermission "*", "connect"',),
        (
            Artifact(
                group="org.opensearch.plugin",
                name="reindex-client",
                version=VERSION,
                sha256="eb2056ee54ac367f8820d5c13fa5cea2d10bb492b01f4d1a15a6dce163bf82ce",
            ),
            Artifact(
                group="org.opensearch",
                name="opensearch-ssl-config",
                version=VERSION,
                sha256="30fe6a20a08004044be90abdf0e711313b7dfe2e5c7b12ac32498ae8e1cae927",
            ),
            Artifact(
                group="org.opensearch.client",
                name="opensearch-rest-client",
                version=VERSION,
                sha256="6ab691dc6cb2c12802bb9024df3379bd1779a2b626d3bd7b27ed5f974cbc1708",
            ),
            Artifact(
                group="org.apache.httpcomponents",
                name="httpclient",
                version="4.5.14",
                sha256="c8bc7e1c51a6d4ce72f40d2ebbabf1c4b68bfe76e732104b04381b493478e9d6",
            ),
            Artifact(
                group="org.apache.httpcomponents",
                name="httpcore",
                version="4.4.16",
                sha256="6c9b3dd142a09dc468e23ad39aad6f75a0f2b85125104469f026e52a474e464f",
            ),
            Artifact(
                group="org.apache.httpcomponents",
                name="httpasyncclient",
                version="4.1.5",
                sha256="0c1877489a9d1ba4fa50f6cfcab11d1123618858cb31d56afaab5afdd5064d99",
            ),
            Artifact(
                group="org.apache.httpcomponents",
                name="httpcore-nio",
                version="4.4.16",
                sha256="4018736ede2d321034e8517ea90baefb31831a8608afccc446d8a699fb1d00d4",
            ),
            Artifact(
                group="commons-codec",
                name="commons-codec",
                version="1.16.1",
                sha256="ec87bfb55f22cbd1b21e2190eeda28b2b312ed2a431ee49fbdcc01812d04a5e4",
            ),
            Artifact(
                group="commons-logging",
                name="commons-logging",
                version="1.2",
                sha256="daddea1ea0be0f56978ab3006b8ac92834afeefbd9b7e4e6316fca57df0fa636",
            ),
        ),
    ),
)

LIBTORCH: Final = Artifact(
    group="ai.djl.pytorch",
    name="pytorch-native-cpu",
    version="2.5.1",
    classifier="linux-x86_64",
    sha256="9c4f35fb64cb3fba34340b432c648e1bea044adeee554b473d5882499b16f0a4",
)
LIBTORCH_JNI: Final = Artifact(
    group="ai.djl.pytorch",
    name="pytorch-jni",
    version="2.5.1-0.32.0",
    sha256="342bde24382eef06e93a2461fd8f293e5c2c6c72caca7d66019d0a9447d96265",
)
