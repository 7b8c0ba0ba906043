terraform {
  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = "~> 3.0"
    }
  }
}

resource "helm_release" "langfuse" {
  name      = "lf"
  namespace = "default"
  chart     = "./charts/umbrella"

  # A change of the rules alone would be "No changes".
  description = "resecret ${filesha256("resecret.yaml")}"

  postrender = {
    binary_path = "resecret"
    args        = ["--config=resecret.yaml"]
  }
}
