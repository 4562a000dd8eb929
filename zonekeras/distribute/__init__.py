"""Running under a `tf.distribute` strategy (TensorFlow only)."""
