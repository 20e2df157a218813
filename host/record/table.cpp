// Compound datasets from and to columns (see table.h).
#include "host/record/table.h"

#include <algorithm>
#include <cstring>

#include "temper/error.h"

namespace temper {
namespace {

template <class Data>
const std::vector<Data>& column(const Table& table, const std::string& name) {
  for (const auto& candidate : table.columns) {
    if (candidate.name != name) continue;
    if (const auto* data = std::get_if<std::vector<Data>>(&candidate.data)) return *data;
    throw DataError("column '" + name + "' of the record is of another type than this version writes");
  }
  throw DataError("the record lacks column '" + name + "'; it was written by another program or version");
}

std::size_t length(const Column& column) {
  return std::visit([](const auto& data) { return data.size(); }, column.data);
}

}  // namespace

std::size_t Table::rows() const { return columns.empty() ? 0 : length(columns.front()); }
const std::vector<std::string>& Table::texts(const std::string& name) const { return column<std::string>(*this, name); }
const std::vector<std::int64_t>& Table::integers(const std::string& name) const { return column<std::int64_t>(*this, name); }
const std::vector<double>& Table::numbers(const std::string& name) const { return column<double>(*this, name); }

namespace h5 {
namespace {

constexpr hsize_t kChunkBytes = 64 * 1024;
constexpr unsigned kDeflateLevel = 4;

enum class Cell { kText, kBytes, kInteger, kNumber, kSmall };

struct Member {
  std::string name;
  Cell cell;
  std::size_t offset = 0;
};

struct RowLayout {
  std::vector<Member> members;
  std::size_t size = 0;
  Handle type;
};

std::size_t cell_size(Cell cell) {
  switch (cell) {
    case Cell::kText:
      return sizeof(char*);
    case Cell::kBytes:
      return sizeof(hvl_t);
    case Cell::kSmall:
      return 1;
    default:
      return 8;
  }
}

Handle cell_type(Cell cell) {
  switch (cell) {
    case Cell::kText:
      return text_type();
    case Cell::kBytes:
      return bytes_type();
    case Cell::kSmall:
      return own(H5Tcopy(H5T_NATIVE_INT8), "make a type");
    case Cell::kInteger:
      return own(H5Tcopy(H5T_NATIVE_INT64), "make a type");
    case Cell::kNumber:
      break;
  }
  return own(H5Tcopy(H5T_NATIVE_DOUBLE), "make a type");
}

RowLayout lay_out(std::vector<Member> members) {
  RowLayout layout;
  for (auto& member : members) {
    member.offset = layout.size;
    layout.size += cell_size(member.cell);
  }
  if (members.empty()) throw DataError("cannot write a table without columns");
  layout.type = own(H5Tcreate(H5T_COMPOUND, layout.size), "make a row type");
  for (const auto& member : members) {
    require(H5Tinsert(layout.type, member.name.c_str(), member.offset, cell_type(member.cell)),
            "add column '" + member.name + "'");
  }
  layout.members = std::move(members);
  return layout;
}

Cell cell_of(const Column& column) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&column.data)) {
    return std::all_of(texts->begin(), texts->end(), is_clean_text) ? Cell::kText : Cell::kBytes;
  }
  if (std::holds_alternative<std::vector<std::int64_t>>(column.data)) return Cell::kInteger;
  return std::holds_alternative<std::vector<double>>(column.data) ? Cell::kNumber : Cell::kSmall;
}

/// The layout of what is stored, for memory: whole numbers widen to int64.
RowLayout stored_layout(hid_t dataset, bool widen, const std::vector<std::string>& leave_out = {}) {
  const Handle stored = own(H5Dget_type(dataset), "read a table's type");
  if (H5Tget_class(stored) != H5T_COMPOUND) throw DataError("the record holds something else where a table should be");
  std::vector<Member> members;
  for (int i = 0; i < H5Tget_nmembers(stored); ++i) {
    const auto index = static_cast<unsigned>(i);
    char* name = H5Tget_member_name(stored, index);
    Member member{name, Cell::kNumber};
    H5free_memory(name);
    if (std::find(leave_out.begin(), leave_out.end(), member.name) != leave_out.end()) continue;
    const Handle type = own(H5Tget_member_type(stored, index), "read a column's type");
    const H5T_class_t kind = H5Tget_class(type);
    if (kind == H5T_STRING) member.cell = Cell::kText;
    if (kind == H5T_VLEN) member.cell = Cell::kBytes;
    if (kind == H5T_INTEGER) member.cell = widen || H5Tget_size(type) > 1 ? Cell::kInteger : Cell::kSmall;
    members.push_back(std::move(member));
  }
  return lay_out(std::move(members));
}

template <class Value>
void put(std::vector<char>& row_bytes, std::size_t stride, std::size_t offset, std::size_t row, const Value& value) {
  std::memcpy(row_bytes.data() + row * stride + offset, &value, sizeof value);
}

/// Rows for HDF5; texts stay where the table has them.
std::vector<char> pack(const Table& table, const RowLayout& layout) {
  std::vector<char> rows(table.rows() * layout.size);
  for (std::size_t c = 0; c < layout.members.size(); ++c) {
    const Member& member = layout.members[c];
    const Column& column = table.columns[c];
    if (length(column) != table.rows()) throw DataError("column '" + column.name + "' has another length than the first");
    std::visit(
        [&](const auto& data) {
          for (std::size_t row = 0; row < data.size(); ++row) {
            using Value = std::decay_t<decltype(data[row])>;
            if constexpr (std::is_same_v<Value, std::string>) {
              if (member.cell == Cell::kText) {
                put(rows, layout.size, member.offset, row, data[row].c_str());
              } else {
                put(rows, layout.size, member.offset, row, hvl_t{data[row].size(), const_cast<char*>(data[row].data())});
              }
            } else {
              put(rows, layout.size, member.offset, row, data[row]);
            }
          }
        },
        column.data);
  }
  return rows;
}

hsize_t row_count(hid_t dataset) {
  const Handle space = own(H5Dget_space(dataset), "read a table's size");
  hsize_t count = 0;
  if (H5Sget_simple_extent_ndims(space) != 1) throw DataError("the record holds a table of more than one dimension");
  require(H5Sget_simple_extent_dims(space, &count, nullptr), "read a table's size");
  return count;
}

void write_rows(hid_t dataset, const Table& table, const RowLayout& layout, hsize_t first) {
  const hsize_t count = table.rows();
  if (count == 0) return;
  const std::vector<char> rows = pack(table, layout);
  const Handle file_space = own(H5Dget_space(dataset), "write a table");
  require(H5Sselect_hyperslab(file_space, H5S_SELECT_SET, &first, nullptr, &count, nullptr), "write a table");
  const Handle memory_space = own(H5Screate_simple(1, &count, nullptr), "write a table");
  require(H5Dwrite(dataset, layout.type, memory_space, file_space, H5P_DEFAULT, rows.data()), "write a table");
}

}  // namespace

Handle write_table(hid_t parent, const std::string& name, const Table& table) {
  const std::string action = "write table '" + name + "'";
  std::vector<Member> members;
  for (const auto& column : table.columns) members.push_back({column.name, cell_of(column)});
  const RowLayout layout = lay_out(std::move(members));
  if (has_link(parent, name)) require(H5Ldelete(parent, name.c_str(), H5P_DEFAULT), "replace table '" + name + "'");
  const hsize_t count = table.rows();
  const hsize_t unlimited = H5S_UNLIMITED;
  // A table that starts empty grows by appending; the others are written whole, most of them small.
  const hsize_t most = std::max<hsize_t>(1, kChunkBytes / layout.size);
  const hsize_t chunk = count == 0 ? std::max<hsize_t>(1, most / 4) : std::min(most, count);
  const Handle space = own(H5Screate_simple(1, &count, &unlimited), action);
  const Handle options = own(H5Pcreate(H5P_DATASET_CREATE), action);
  require(H5Pset_chunk(options, 1, &chunk), action);
  require(H5Pset_shuffle(options), action);
  require(H5Pset_deflate(options, kDeflateLevel), action);
  require(H5Pset_fletcher32(options), action);
  Handle dataset = own(H5Dcreate2(parent, name.c_str(), layout.type, space, H5P_DEFAULT, options, H5P_DEFAULT), action);
  write_rows(dataset, table, layout, 0);
  return dataset;
}

void append_rows(hid_t dataset, const Table& table) {
  const RowLayout layout = stored_layout(dataset, false);
  if (layout.members.size() != table.columns.size()) throw DataError("cannot append rows with other columns to a table");
  const hsize_t first = row_count(dataset);
  resize_table(dataset, first + table.rows());
  write_rows(dataset, table, layout, first);
}

void resize_table(hid_t dataset, std::size_t rows) {
  const hsize_t size = rows;
  require(H5Dset_extent(dataset, &size), "resize a table");
}

Table read_table(hid_t parent, const std::string& name, const std::vector<std::string>& leave_out) {
  const std::string action = "read table '" + name + "'";
  const Handle dataset = own(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), action);
  const RowLayout layout = stored_layout(dataset, true, leave_out);
  const std::size_t count = row_count(dataset);
  std::vector<char> rows(count * layout.size);
  const Handle space = own(H5Dget_space(dataset), action);
  if (count > 0) require(H5Dread(dataset, layout.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows.data()), action);
  Table table;
  for (const auto& member : layout.members) {
    const auto cells = [&](auto sample, auto convert) {
      std::vector<decltype(convert(sample))> data;
      data.reserve(count);
      for (std::size_t row = 0; row < count; ++row) {
        auto value = sample;
        std::memcpy(&value, rows.data() + row * layout.size + member.offset, sizeof value);
        data.push_back(convert(value));
      }
      table.columns.push_back({member.name, std::move(data)});
    };
    switch (member.cell) {
      case Cell::kText:
        cells(static_cast<char*>(nullptr), [](char* text) { return std::string(text == nullptr ? "" : text); });
        break;
      case Cell::kBytes:
        cells(hvl_t{0, nullptr},
              [](const hvl_t& bytes) { return std::string(static_cast<const char*>(bytes.p), bytes.len); });
        break;
      case Cell::kNumber:
        cells(0.0, [](double value) { return value; });
        break;
      default:
        cells(std::int64_t{0}, [](std::int64_t value) { return value; });
    }
  }
  if (count > 0) require(H5Dvlen_reclaim(layout.type, space, H5P_DEFAULT, rows.data()), action);
  return table;
}

}  // namespace h5
}  // namespace temper
