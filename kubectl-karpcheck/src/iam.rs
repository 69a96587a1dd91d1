//! Would AWS allow it? The three-valued evaluation of IAM policies. Pure, like the model.
