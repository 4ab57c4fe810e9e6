"""Jenkins: one Jenkinsfile for a multibranch Pipeline."""
