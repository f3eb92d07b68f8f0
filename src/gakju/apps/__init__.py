"""Form apps: one YAML file each, run as a durable job and callable as a model."""
