"""People at the operators' site: their groups, and what each group may."""
