# Prints every sleep on a real clock that stands in test code, or an import of one.
#
# Test code is: any file below a `tests` directory or named `tests.rs`; a `#[cfg(test)]` or `#[cfg(all(test, ..))]`
# module, from its `mod .. {` to the brace that closes it in rustfmt's layout; all of the testkit's `src`, since what
# stands there runs in somebody's tests. Exempt are files named `real_clock.rs`, where the real clocks are
# implemented. Lines that are comments don't count, and neither do methods such as `clock.sleep(..)`.

FNR == 1 {
    whole = FILENAME ~ /(^|\/)tests\// || FILENAME ~ /(^|\/)tests\.rs$/ || FILENAME ~ /(^|\/)tasker-testkit\/src\//
    exempt = FILENAME ~ /(^|\/)real_clock\.rs$/
    marked = 0
    inside = 0
}

/^[ \t]*\/\// { next }

inside && $0 == closing { inside = 0 }

!inside && /^[ \t]*#\[cfg\((all\()?test[,)]/ { marked = 1; next }

# Further attributes may stand between the mark and its module.
marked && /^[ \t]*#/ { next }

marked {
    marked = 0
    if ($0 ~ /^[ \t]*(pub(\([a-z: ]*\))? )?mod [a-z0-9_]+ \{$/) {
        inside = 1
        match($0, /^[ \t]*/)
        closing = substr($0, 1, RLENGTH) "}"
    }
}

(whole || inside) && !exempt && /(^|[^a-zA-Z0-9_])(thread|time|task)::(\{[^}]*)?sleep/ {
    print FILENAME ":" FNR ":" $0
}
