"""A Rollout of Argo Rollouts with a traffic router."""
