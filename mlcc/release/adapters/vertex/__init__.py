"""An endpoint of Vertex AI, which splits its traffic between deployed models."""
