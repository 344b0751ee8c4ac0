"""The gateway, with and without keys, and each service: apps in this process, with stubs for models."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from spanbridge_alignment.app import create_app as create_alignment
from spanbridge_gateway.app import create_app as create_gateway
from spanbridge_gateway.settings import GatewaySettings
from spanbridge_ner_teacher.app import create_app as create_ner_teacher
from spanbridge_projection.app import create_app as create_projection
from spanbridge_translation.app import create_app as create_translation
from tests.faults.fuzz.judging import Target
from tests.support.gateway import STUBS

KEY = "sb-a-key-that-is-known"
_STUBS = STUBS | {
    "SPANBRIDGE_NER_TEACHER_MULTILINGUAL": "stub:",
    "SPANBRIDGE_NER_TEACHER_STUDENT": "stub:",
    **{
        f"SPANBRIDGE_{name}_LOG_LEVEL": "CRITICAL" for name in ("TRANSLATION", "ALIGNMENT", "PROJECTION", "NER_TEACHER")
    },
}


@asynccontextmanager
async def targets(folder: Path) -> AsyncIterator[list[Target]]:
    """Open them all; `folder` is for the file of keys."""
    keys = folder / "keys"
    keys.write_text(f"tester:{hashlib.sha256(KEY.encode()).hexdigest()}\n")
    before = dict(os.environ)
    os.environ |= _STUBS
    try:
        apps = {
            "gateway": create_gateway(GatewaySettings(log_level="CRITICAL")),
            "gateway with keys": create_gateway(GatewaySettings(log_level="CRITICAL", keys=str(keys))),
            "translation": create_translation(),
            "alignment": create_alignment(),
            "projection": create_projection(),
            "ner_teacher": create_ner_teacher(),
        }
        async with AsyncExitStack() as stack:
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield [Target.of(name, app) for name, app in apps.items()]
    finally:
        os.environ.clear()
        os.environ |= before
