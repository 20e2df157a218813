// Labelled texts from files that users have: JSON lines, CSV and TSV, each also as gzip. Used by `temper classifier`.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace temper {

/// Calls `take` for each row with its fields by name and its place ("file:line"), in order. Values of a JSON row that are
/// no text are given as they are written. CSV is RFC 4180 with a heading line; TSV has a heading line and no quoting.
/// Throws DataError for a file that is missing, damaged or of another kind, and for a row that does not fit its heading.
void read_rows(const std::string& path,
               const std::function<void(const std::map<std::string, std::string>&, const std::string&)>& take);

/// The field's value; a DataError that names the row's fields where it is missing.
const std::string& field_of(const std::map<std::string, std::string>& row, const std::string& name,
                            const std::string& place);

}  // namespace temper
