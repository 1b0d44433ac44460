"""What annotations say: names, type variables, fields and constraints, for all who read them.

The typed readers (`_typed`) make plans of annotations, the checks of steps (`_checks`) look at
values; both ask here what an annotation means.
"""
