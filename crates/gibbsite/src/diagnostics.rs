//! Pure functions on draws: R-hat, effective sample sizes, Monte-Carlo standard errors.
