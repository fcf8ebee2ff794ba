"""Find the SQL that uses the old structure, rewrite it and compare the two forms.

``read`` finds SQL in files, programs and the catalog. ``parse`` turns text with templates into
text that sqlglot reads. ``resolve`` binds every name to a table and column. ``findings`` says what
that means, ``rewrite`` makes the new form, ``compare`` runs both forms on the same rows, and
``report`` prints or records the outcome. ``run`` calls them in order.
"""
