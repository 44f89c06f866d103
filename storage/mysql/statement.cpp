#include "storage/mysql/statement.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <new>

namespace beckon::storage::mysql {

namespace {

constexpr std::array<size_t, 5> sizes{1, 4, 16, 64, 256};
constexpr size_t rows_max = sizes.back();
/// Bounds the memory of client and server for one statement, well below the usual 16 MiB of
/// max_allowed_packet.
constexpr size_t part_bytes_max = 1 << 20;
constexpr size_t first_column_bytes = 256;

size_t count_marks(const std::string& sql) {
  return static_cast<size_t>(std::count(sql.begin(), sql.end(), '?'));
}

bool is_number(enum_field_types type) {
  return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24
         || type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG;
}

MYSQL_BIND empty_bind() {
  MYSQL_BIND b;
  std::memset(&b, 0, sizeof b);
  return b;
}

} // namespace

// -- statement ------------------------------------------------------------------------------------

void statement::prepare() {
  if (handle_)
    return;
  std::unique_ptr<MYSQL_STMT, closer> made{mysql_stmt_init(owner_->raw())};
  if (!made)
    throw std::bad_alloc{};
  if (mysql_stmt_prepare(made.get(), sql_.data(), sql_.size()) != 0)
    owner_->fail(made.get());
  handle_ = std::move(made);
  describe_columns();
}

void statement::describe_columns() {
  struct freer {
    void operator()(MYSQL_RES* r) const { mysql_free_result(r); }
  };
  std::unique_ptr<MYSQL_RES, freer> about{mysql_stmt_result_metadata(handle_.get())};
  if (!about)
    return; // it returns no rows
  columns_.resize(mysql_num_fields(about.get()));
  const auto* fields = mysql_fetch_fields(about.get());
  for (size_t i = 0; i < columns_.size(); ++i) {
    columns_[i].is_number = is_number(fields[i].type);
    columns_[i].bytes.resize(columns_[i].is_number ? 0 : first_column_bytes);
  }
}

void statement::bind(const value* arguments, size_t count) {
  assert(count == mysql_stmt_param_count(handle_.get()));
  in_.assign(count, empty_bind());
  for (size_t i = 0; i < count; ++i) {
    // The library only reads through these pointers.
    if (arguments[i].is_text()) {
      auto bytes = arguments[i].bytes();
      in_[i].buffer_type = MYSQL_TYPE_BLOB;
      in_[i].buffer = const_cast<char*>(bytes.data() ? bytes.data() : ""); // NOLINT
      in_[i].buffer_length = bytes.size();
    } else {
      in_[i].buffer_type = MYSQL_TYPE_LONGLONG;
      in_[i].buffer = const_cast<int64_t*>(&arguments[i].number()); // NOLINT
    }
  }
  if (count > 0 && mysql_stmt_bind_param(handle_.get(), in_.data()) != 0)
    owner_->fail(handle_.get());
}

/// A statement that is too large would end the connection, often without a reason.
void statement::check_size(const value* arguments, size_t count) const {
  constexpr size_t overhead_per_value = 16;
  size_t bytes = 1024;
  for (size_t i = 0; i < count; ++i)
    bytes += arguments[i].size() + overhead_per_value;
  auto most = owner_->packet_bytes_max();
  if (most != 0 && bytes > most)
    throw failure(make_error(errc::rejected, owner_->name() + ": a write of " + std::to_string(bytes)
                                                 + " bytes is larger than the server's max_allowed_packet of "
                                                 + std::to_string(most) + "; nothing was changed"),
                  consequence::none);
}

int64_t statement::execute(const value* arguments, size_t count) {
  prepare();
  check_size(arguments, count);
  bind(arguments, count);
  if (mysql_stmt_execute(handle_.get()) != 0)
    owner_->fail(handle_.get());
  return static_cast<int64_t>(mysql_stmt_affected_rows(handle_.get()));
}

bool statement::try_execute(const value* arguments, size_t count) {
  prepare();
  check_size(arguments, count);
  bind(arguments, count);
  if (mysql_stmt_execute(handle_.get()) == 0)
    return true;
  if (mysql_stmt_errno(handle_.get()) == duplicate_key)
    return false;
  owner_->fail(handle_.get());
}

// -- results --------------------------------------------------------------------------------------

void statement::begin_result() {
  bind_columns();
  if (mysql_stmt_store_result(handle_.get()) != 0)
    owner_->fail(handle_.get());
}

void statement::bind_columns() {
  out_.assign(columns_.size(), empty_bind());
  for (size_t i = 0; i < columns_.size(); ++i) {
    auto& c = columns_[i];
    out_[i].buffer_type = c.is_number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_BLOB;
    out_[i].buffer = c.is_number ? static_cast<void*>(&c.number) : static_cast<void*>(c.bytes.data());
    out_[i].buffer_length = c.is_number ? sizeof c.number : c.bytes.size();
    out_[i].length = &c.length;
    out_[i].is_null = &c.is_null;
  }
  if (mysql_stmt_bind_result(handle_.get(), out_.data()) != 0)
    owner_->fail(handle_.get());
}

bool statement::fetch() {
  auto code = mysql_stmt_fetch(handle_.get());
  if (code == MYSQL_NO_DATA)
    return false;
  if (code != 0 && code != MYSQL_DATA_TRUNCATED)
    owner_->fail(handle_.get());
  bool grown = false;
  for (size_t i = 0; i < columns_.size(); ++i) {
    auto& c = columns_[i];
    if (c.is_number || c.is_null != 0 || c.length <= c.bytes.size())
      continue;
    c.bytes.resize(c.length);
    out_[i].buffer = c.bytes.data();
    out_[i].buffer_length = c.bytes.size();
    if (mysql_stmt_fetch_column(handle_.get(), &out_[i], static_cast<unsigned>(i), 0) != 0)
      owner_->fail(handle_.get());
    grown = true;
  }
  if (grown)
    bind_columns(); // the library has copied the old addresses
  return true;
}

void statement::end_result() {
  if (owner_->usable())
    mysql_stmt_free_result(handle_.get());
}

rows::rows(statement& s, const values& arguments) : statement_(s) {
  s.execute(arguments.data(), arguments.size());
  s.begin_result();
}

std::string_view rows::text(size_t column) const {
  const auto& c = statement_.columns_[column];
  return c.is_null != 0 ? std::string_view{} : std::string_view{c.bytes.data(), c.length};
}

// -- many rows ------------------------------------------------------------------------------------

statement& sized_statements::of(size_t size_index) {
  made.resize(sizes.size());
  auto& s = made[size_index];
  if (!s) {
    auto sql = head + row;
    for (size_t i = 1; i < sizes[size_index]; ++i)
      sql += between + row;
    s.emplace(owner, sql + tail);
  }
  return *s;
}

row_batch::row_batch(connection& owner, std::string head, std::string row, std::string tail)
    : columns_(count_marks(row)), statements_{owner, std::move(head),       std::move(row),
                                              ", ",  " " + std::move(tail), {}} {}

template <class F>
void row_batch::each_part(const value* all, size_t count, F&& f) {
  for (size_t first = 0; first < count;) {
    // The most rows within the bound, at least one, then the largest size they fill.
    size_t fit = 0;
    for (size_t bytes = 0; fit < std::min(count - first, rows_max); ++fit) {
      for (size_t c = 0; c < columns_; ++c)
        bytes += all[(first + fit) * columns_ + c].size();
      if (bytes > part_bytes_max && fit > 0)
        break;
    }
    auto size = sizes.size() - 1;
    while (sizes[size] > fit)
      --size;
    f(statements_.of(size), part{&all[first * columns_], first, sizes[size], 0});
    first += sizes[size];
  }
}

void row_batch::run(const values& all, const std::function<void(const part&)>& done) {
  assert(all.size() % columns_ == 0);
  each_part(all.data(), all.size() / columns_, [&](statement& s, part p) {
    p.affected = s.execute(p.arguments, p.count * columns_);
    if (done)
      done(p);
  });
}

void row_batch::run(const part& p) {
  each_part(p.arguments, p.count,
            [&](statement& s, part again) { s.execute(again.arguments, again.count * columns_); });
}

void row_batch::run_new(const values& all, const std::function<void(const part&)>& taken) {
  assert(all.size() % columns_ == 0);
  each_part(all.data(), all.size() / columns_, [&](statement& s, part p) {
    if (!s.try_execute(p.arguments, p.count * columns_))
      taken(p);
  });
}

// -- many keys ------------------------------------------------------------------------------------

key_batch::key_batch(connection& owner, std::string head, std::string key, std::string between,
                     std::string tail)
    : columns_(count_marks(key)), statements_{owner,           std::move(head),
                                              std::move(key),  std::move(between),
                                              std::move(tail), {}} {}

void key_batch::run(const value* keys, size_t values_count, const std::function<void(const rows&)>& f) {
  assert(values_count % columns_ == 0);
  values padded;
  for (size_t first = 0; first < values_count;) {
    auto count = std::min((values_count - first) / columns_, rows_max);
    size_t size = 0;
    while (sizes[size] < count)
      ++size;
    // Repeating the last key fills the statement and finds no further rows.
    padded.assign(keys + first, keys + first + count * columns_);
    while (padded.size() < sizes[size] * columns_)
      padded.insert(padded.end(), keys + first + (count - 1) * columns_, keys + first + count * columns_);
    rows r{statements_.of(size), padded};
    while (r.next())
      f(r);
    first += count * columns_;
  }
}

} // namespace beckon::storage::mysql
