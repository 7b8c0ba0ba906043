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

  postrender = {
    binary_path = "resecret"
    args        = ["--preset=langfuse", "--to=langfuse-vault"]
  }
}
