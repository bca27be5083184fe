# SPDX-License-Identifier: Apache-2.0
# One image for every process: `wms serve`, `wms work`, `wms sweep`, `wms migrate`.

FROM python:3.12-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
# By reference, so that templates, logos and migrations are read where they lie.
COPY pyproject.toml README.md LICENSE ./
COPY labels labels
COPY carriers carriers
COPY wms wms
COPY api api
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --editable . \
    && /venv/bin/python -m compileall -q .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --no-create-home wms
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 WMS_HOST=0.0.0.0
USER wms
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["wms"]
CMD ["serve"]
