"""`python -m spanbridge_alignment` serves on SPANBRIDGE_ALIGNMENT_HOST and _PORT."""

from spanbridge_alignment.app import create_app
from spanbridge_alignment.settings import AlignmentSettings
from spanbridge_shared.serving.run import run_service

if __name__ == "__main__":
    run_service(create_app, AlignmentSettings)
