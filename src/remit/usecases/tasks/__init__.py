"""Opening, renewing, completing and introspecting tasks."""
