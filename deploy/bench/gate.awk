# Reads what benchstat writes as CSV, and fails if the geomean of a table of sec/op, or any allocs/op, got worse by more than
# gate percent. A row has: name, old, its spread, new, its spread, the difference or ~ if that is noise, p.

function worse(what, was, is) {
  printf "worse than the gate of %s %%: %s%s: %s, was %s\n", gate, pkg, what, is, was
  failed = 1
}
function finish_table(  mean) {
  if (unit == "sec/op" && rows && slower) {
    mean = exp(logs / rows)
    if (mean > limit) worse("geomean of sec/op", 1, mean)
  }
  rows = logs = slower = 0
  unit = ""
}
BEGIN { limit = 1 + gate / 100 }
/^pkg: / { pkg = substr($0, 6) " " }
/^$/ { finish_table(); next }
$1 == "" && $2 ~ /\/op$/ { unit = $2; next }
$1 == "" || $1 == "geomean" || NF < 6 || $2 == "" || $4 == "" { next }
unit == "sec/op" {
  rows++
  logs += log($4 / $2)
  if ($6 ~ /^\+/) slower++
}
unit == "allocs/op" && $6 != "~" && $4 > $2 * limit { worse($1 " allocs/op", $2, $4) }
END {
  finish_table()
  exit failed
}
