-- For removing steps: which artifact versions were made by one.
CREATE INDEX artifacts_by_step ON artifacts (step);
