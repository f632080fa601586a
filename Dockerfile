# nuriwake in a container: CPU only, not root, compiled ahead.
#
#   docker build -t nuriwake .
#   docker run --rm -v "$PWD:/data" --user "$(id -u):$(id -g)" nuriwake segment photo.jpg
#
# Other extras: docker build --build-arg EXTRAS=app,geo,zarr -t nuriwake .

FROM python:3.13-slim AS build
ARG EXTRAS=app
# uv knows where PyTorch keeps its builds without CUDA; plain pip would fetch 6 GB.
RUN python -m pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
# Bytecode is written for what a picture loads, not for all of PyTorch: 150 MB less.
RUN uv venv /opt/nuriwake \
    && uv pip install --no-cache --python /opt/nuriwake/bin/python --torch-backend cpu \
        --constraints constraints.txt ".[${EXTRAS}]" \
    && rm -rf /opt/nuriwake/lib/python3.13/site-packages/torch/include \
        /opt/nuriwake/lib/python3.13/site-packages/torch/test \
    && /opt/nuriwake/bin/nuriwake info --warm-up

FROM python:3.13-slim
COPY --from=build /opt/nuriwake /opt/nuriwake
RUN useradd --create-home --uid 1000 nuriwake \
    && install -d -m 1777 /var/cache/nuriwake /data
# What numba compiles is for the processor at hand; on another kind the first picture compiles anew.
# Any --user may keep that, too.
ENV PATH=/opt/nuriwake/bin:$PATH \
    NUMBA_CACHE_DIR=/var/cache/nuriwake
USER 1000
RUN umask 0 && nuriwake info --warm-up
WORKDIR /data
ENTRYPOINT ["nuriwake"]
CMD ["--help"]
