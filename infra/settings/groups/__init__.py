"""What each group of settings is and checks: one file each, put together by the model."""
