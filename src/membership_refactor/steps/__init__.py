"""The steps: what each revision does, up and down, as pure functions of plan and portrait."""
