# One file for every container: MEMBER picks which. Needs no BuildKit.
#
#     docker build --build-arg MEMBER=translation -t spanbridge/translation .
#
# MEMBER is gateway, translation, alignment, projection, ner_teacher, or client[convert] (makes models; holds torch).
# What changes seldom comes first: other people's packages, then weights, then code.

ARG BASE_IMAGE=python:3.11-slim


FROM ${BASE_IMAGE} AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_FIND_LINKS=/build/deploy/docker/wheelhouse
# STRIP=0 leaves debugging symbols in: images are 150 MB larger, and the build needs no apt.
ARG STRIP=1
RUN if [ "$STRIP" = 1 ]; then \
        apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*; \
    fi
# For mirrors and for builds without a network; unset, pip's own defaults hold.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_NO_INDEX
WORKDIR /build
COPY deploy/docker/wheelhouse deploy/docker/wheelhouse
COPY constraints.txt .
# The code's own builder; it stays in this stage.
RUN python -m pip install --quiet --constraint constraints.txt hatchling && python -m venv --without-pip /opt/venv
COPY deploy/docker/requirements.py deploy/docker/
COPY shared/pyproject.toml shared/
COPY services/translation/pyproject.toml services/translation/
COPY services/alignment/pyproject.toml services/alignment/
COPY services/projection/pyproject.toml services/projection/
COPY services/ner_teacher/pyproject.toml services/ner_teacher/
COPY gateway/pyproject.toml gateway/
COPY client/pyproject.toml client/
ARG MEMBER
# More packages: what CTranslate2 needs on a GPU, for one.
ARG MORE_PACKAGES=
# Symbols are dropped but from *.libs: auditwheel has rewritten those files, and strip may break them.
RUN python deploy/docker/requirements.py "$MEMBER" > requirements.txt \
    && python -m pip --python /opt/venv/bin/python install --quiet --only-binary :all: \
        --constraint constraints.txt --requirement requirements.txt $MORE_PACKAGES \
    && if [ "$STRIP" = 1 ]; then \
        find /opt/venv -name '*.so' -not -path '*.libs/*' -not -path '*/torch/*' -not -path '*/nvidia/*' \
            -exec strip --strip-unneeded {} +; \
    fi \
    && if [ -d /opt/venv/lib/python3*/site-packages/nvidia/cublas/lib ]; then \
        ln -s /opt/venv/lib/python3*/site-packages/nvidia/cublas/lib /opt/venv/cuda; \
    fi


FROM packages AS code
ARG MEMBER
COPY shared shared
COPY services services
COPY gateway gateway
COPY client client
RUN folders=$(python deploy/docker/requirements.py --folders "$MEMBER") \
    && python -m pip wheel --quiet --no-deps --no-index --no-build-isolation --wheel-dir /build/wheels $folders \
    && python -m pip --python /opt/venv/bin/python install --quiet --no-deps --no-index --target /opt/app /build/wheels/*.whl


FROM ${BASE_IMAGE} AS weights
ARG MEMBER
COPY models /all
RUN mkdir -p /opt/models/embedded /opt/models/full /opt/hub \
    && case "$MEMBER" in \
        translation) names="nmt" ;; \
        alignment) names="encoder" ;; \
        ner_teacher) names="teacher student" ;; \
        *) names="" ;; \
    esac \
    && for name in $names; do cp -r "/all/$name" /opt/models/embedded/; done \
    && chown -R 10001:10001 /opt/models/full /opt/hub


FROM ${BASE_IMAGE} AS runtime
ARG MEMBER
LABEL org.opencontainers.image.title="Spanbridge ${MEMBER}"
COPY --from=packages /opt/venv /opt/venv
COPY --from=weights /opt/models /opt/models
COPY --from=weights /opt/hub /opt/hub
COPY --from=code /opt/app /opt/app
ENV PATH=/opt/venv/bin:/opt/app/bin:$PATH \
    PYTHONPATH=/opt/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LD_LIBRARY_PATH=/opt/venv/cuda \
    HOME=/tmp \
    HF_HUB_OFFLINE=1 \
    SPANBRIDGE_MEMBER=${MEMBER} \
    SPANBRIDGE_MODELS_DIR=/opt/models/embedded \
    SPANBRIDGE_GATEWAY_HOST=0.0.0.0 \
    SPANBRIDGE_TRANSLATION_HOST=0.0.0.0 \
    SPANBRIDGE_ALIGNMENT_HOST=0.0.0.0 \
    SPANBRIDGE_PROJECTION_HOST=0.0.0.0 \
    SPANBRIDGE_NER_TEACHER_HOST=0.0.0.0
WORKDIR /tmp
USER 10001:10001
# Not `-m` in exec form, which would not see the variable; exec, so that the server gets the signals.
CMD ["sh", "-c", "exec python -m spanbridge_$SPANBRIDGE_MEMBER"]
