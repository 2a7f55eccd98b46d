"""Shared delivery (邮快合作): a county's policy, modes compared on the same demand, fair shares of a joint cost."""
