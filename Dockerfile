# syntax=docker/dockerfile:1
# The image of the workers: `sparge` with its server requirements, each checked against its hash in the lock.
ARG PYTHON=python:3.13-slim-trixie

FROM ${PYTHON} AS build
WORKDIR /src
COPY requirements-server.lock ./
RUN python -m venv /opt/sparge \
    && /opt/sparge/bin/pip install --no-cache-dir --require-hashes -r requirements-server.lock
COPY . .
RUN /opt/sparge/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${PYTHON}
COPY --from=build /opt/sparge /opt/sparge
# A fixed number, so that a volume's owner is the same in every build and on every host.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/sparge sparge
ENV PATH=/opt/sparge/bin:$PATH PYTHONUNBUFFERED=1 SPARGE_HOME=/var/lib/sparge
USER 10001
WORKDIR /var/lib/sparge
ENTRYPOINT ["sparge"]
CMD ["doctor"]
