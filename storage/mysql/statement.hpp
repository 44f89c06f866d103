#pragma once

#include "storage/mysql/connection.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// Prepared statements, for one row and for many. Private to storage/mysql.
namespace beckon::storage::mysql {

/// One value for a statement. Text is not copied: it must live until the statement has run. Bytes are passed
/// unchanged, without a character set.
class value {
 public:
  value(std::string_view bytes) : bytes_(bytes), is_text_(true) {}
  value(const std::string& bytes) : value(std::string_view{bytes}) {}
  value(const char*) = delete;
  template <class T, class = std::enable_if_t<std::is_integral_v<T>>>
  value(T number) : number_(static_cast<int64_t>(number)) {}

  bool is_text() const { return is_text_; }
  std::string_view bytes() const { return bytes_; }
  const int64_t& number() const { return number_; }
  size_t size() const { return is_text_ ? bytes_.size() : sizeof number_; }

 private:
  std::string_view bytes_;
  int64_t number_ = 0;
  bool is_text_ = false;
};

using values = std::vector<value>;

/// A statement that is prepared at its first run and kept with its connection.
class statement {
 public:
  statement(connection& owner, std::string sql) : owner_(&owner), sql_(std::move(sql)) {}

  /// Runs it and returns the number of rows affected; throws failure.
  template <class... Ts>
  int64_t run(const Ts&... arguments) {
    const std::array<value, sizeof...(Ts)> all{value(arguments)...};
    return execute(all.data(), all.size());
  }
  int64_t execute(const value* arguments, size_t count);
  /// The same, but false (with nothing changed) if a row with this key exists already.
  bool try_execute(const value* arguments, size_t count);

 private:
  friend class rows;
  struct column {
    std::string bytes;
    unsigned long length = 0;
    int64_t number = 0;
    api::flag is_null = 0;
    bool is_number = false;
  };
  struct closer {
    void operator()(MYSQL_STMT* s) const { mysql_stmt_close(s); }
  };

  void prepare();
  void describe_columns();
  void bind(const value* arguments, size_t count);
  void check_size(const value* arguments, size_t count) const;
  void begin_result();
  void bind_columns();
  bool fetch();
  void end_result();

  connection* owner_;
  std::string sql_;
  std::unique_ptr<MYSQL_STMT, closer> handle_;
  std::vector<MYSQL_BIND> in_;
  std::vector<MYSQL_BIND> out_;
  std::vector<column> columns_;
};

/// The rows of one run of a statement, all in memory; frees them when destroyed.
class rows {
 public:
  template <class... Ts>
  explicit rows(statement& s, const Ts&... arguments) : rows(s, values{value(arguments)...}) {}
  rows(statement& s, const values& arguments);
  ~rows() { statement_.end_result(); }
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;

  bool next() { return statement_.fetch(); }
  int64_t integer(size_t column) const { return statement_.columns_[column].number; }
  /// Valid until the next call of next(). Empty for NULL.
  std::string_view text(size_t column) const;

 private:
  statement& statement_;
};

/// One statement in sizes of 1, 4, 16, 64 and 256 rows, each prepared at first use.
struct sized_statements {
  connection& owner;
  std::string head;
  std::string row;
  std::string between;
  std::string tail;
  std::vector<std::optional<statement>> made;

  statement& of(size_t size_index);
};

/// Writes many rows with few statements of at most 256 rows and about 1 MiB.
class row_batch {
 public:
  /// `head` ends before the rows, `row` is one row's "(?, ?)", `tail` follows them.
  row_batch(connection& owner, std::string head, std::string row, std::string tail = "");

  /// The effect of one statement: rows [first, first + count) of the given ones.
  struct part {
    const value* arguments;
    size_t first;
    size_t count;
    int64_t affected;
  };
  /// Writes all rows in order; calls `done` after each statement. Throws failure.
  void run(const values& all, const std::function<void(const part&)>& done = {});
  /// Repeats one part with another statement that has the same columns.
  void run(const part& p);
  /// Writes all rows; if a statement meets an existing key it has changed nothing, and `taken` is called
  /// instead of failing.
  void run_new(const values& all, const std::function<void(const part&)>& taken);

 private:
  template <class F>
  void each_part(const value* all, size_t count, F&& f);

  size_t columns_;
  sized_statements statements_;
};

/// Reads the rows of many keys with few statements of at most 256 keys.
class key_batch {
 public:
  /// `head` ends before the keys, `key` is one of them ("?"), `between` separates two.
  key_batch(connection& owner, std::string head, std::string key, std::string between, std::string tail);

  /// Calls `f` for each row found. Keys of several columns come flattened. Throws failure.
  void run(const value* keys, size_t values_count, const std::function<void(const rows&)>& f);
  void run(const values& keys, const std::function<void(const rows&)>& f) {
    run(keys.data(), keys.size(), f);
  }

 private:
  size_t columns_;
  sized_statements statements_;
};

} // namespace beckon::storage::mysql
