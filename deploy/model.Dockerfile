# A model package as an image: for the component model-image of k8s/, whose pods mount it. The context is the package's folder.
#   docker build -f deploy/model.Dockerfile -t parley/model:0.2.0 PACKAGE
FROM scratch
COPY . /
