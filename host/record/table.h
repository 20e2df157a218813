// Tables as HDF5 compound datasets: one row a record, extensible, chunked, compressed, check-summed; h5py shows a structured
// array. A text column is variable-length UTF-8; if one of its values holds a NUL or is not valid UTF-8, the whole column
// becomes variable-length uint8 instead, so that every byte survives. In Python bytes(row["response"]) reads both.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "host/record/hdf5.h"

namespace temper {

struct Column {
  using Data =
      std::variant<std::vector<std::string>, std::vector<std::int64_t>, std::vector<double>, std::vector<std::int8_t>>;
  std::string name;
  Data data;
};

struct Table {
  std::vector<Column> columns;
  std::size_t rows() const;
  /// Throw DataError if there is no such column or it is of another type. Whole numbers come back as int64.
  const std::vector<std::string>& texts(const std::string& name) const;
  const std::vector<std::int64_t>& integers(const std::string& name) const;
  const std::vector<double>& numbers(const std::string& name) const;
};

namespace h5 {
/// Replaces a dataset of the same name. All columns have the same length.
Handle write_table(hid_t parent, const std::string& name, const Table& table);
/// Columns as when the dataset was created (a text column that was clean then takes clean texts only).
void append_rows(hid_t dataset, const Table& table);
void resize_table(hid_t dataset, std::size_t rows);
/// Without the columns named in `leave_out`, which are not even read.
Table read_table(hid_t parent, const std::string& name, const std::vector<std::string>& leave_out = {});
}  // namespace h5

}  // namespace temper
