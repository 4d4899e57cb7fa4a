"""A guard model behind an endpoint, asked how probably texts are hateful or abusive."""
