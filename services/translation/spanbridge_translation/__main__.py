"""`python -m spanbridge_translation` serves on the port of the settings."""

from spanbridge_shared.serving.run import run_service
from spanbridge_translation.app import create_app
from spanbridge_translation.settings import TranslationSettings

if __name__ == "__main__":
    run_service(create_app, TranslationSettings)
