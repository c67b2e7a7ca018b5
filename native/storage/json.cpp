#include "storage/json.h"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace sam {
namespace {

// Recursive descent over one text; `kMaxDepth` keeps a hostile header from exhausting the stack.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Json document() {
    Json value = parse_value(0);
    skip_space();
    if (position_ != text_.size()) fail("text after the end");
    return value;
  }

 private:
  static constexpr int kMaxDepth = 32;
  static constexpr size_t kMostValues = 1'000'000;

  [[noreturn]] void fail(const std::string& what) const {
    throw std::invalid_argument("bad JSON at byte " + std::to_string(position_) + ": " + what);
  }

  void skip_space() {
    while (position_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[position_]) != std::string_view::npos)
      ++position_;
  }

  char peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  bool take(char expected) {
    skip_space();
    if (peek() != expected) return false;
    ++position_;
    return true;
  }

  void expect(char expected) {
    if (!take(expected)) fail(std::string("expected '") + expected + "'");
  }

  void expect_word(std::string_view word) {
    if (text_.substr(position_, word.size()) != word) fail("unknown word");
    position_ += word.size();
  }

  Json parse_value(int depth) {
    if (depth > kMaxDepth) fail("nested too deep");
    if (++values_ > kMostValues) fail("more than a million values");
    skip_space();
    Json value;
    switch (peek()) {
      case '{':
        parse_object(value, depth);
        break;
      case '[':
        parse_array(value, depth);
        break;
      case '"':
        value.kind = Json::Kind::kString;
        value.string = parse_string();
        break;
      case 't':
        expect_word("true");
        value.kind = Json::Kind::kBool;
        value.boolean = true;
        break;
      case 'f':
        expect_word("false");
        value.kind = Json::Kind::kBool;
        break;
      case 'n':
        expect_word("null");
        break;
      default:
        value.kind = Json::Kind::kNumber;
        value.number = parse_number();
    }
    return value;
  }

  void parse_object(Json& value, int depth) {
    value.kind = Json::Kind::kObject;
    expect('{');
    if (take('}')) return;
    do {
      skip_space();
      std::string key = parse_string();
      expect(':');
      value.object[std::move(key)] = parse_value(depth + 1);
    } while (take(','));
    expect('}');
  }

  void parse_array(Json& value, int depth) {
    value.kind = Json::Kind::kArray;
    expect('[');
    if (take(']')) return;
    do {
      value.array.push_back(parse_value(depth + 1));
    } while (take(','));
    expect(']');
  }

  double parse_number() {
    const std::string digits(text_.substr(position_, 32));
    char* end = nullptr;
    const double number = std::strtod(digits.c_str(), &end);
    if (end == digits.c_str()) fail("expected a value");
    position_ += static_cast<size_t>(end - digits.c_str());
    return number;
  }

  unsigned parse_hex() {
    if (position_ + 4 > text_.size()) fail("cut short");
    const std::string digits(text_.substr(position_, 4));
    position_ += 4;
    return static_cast<unsigned>(std::strtoul(digits.c_str(), nullptr, 16));
  }

  static void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0 | (code >> 6));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0 | (code >> 12));
      out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
      out += static_cast<char>(0xF0 | (code >> 18));
      out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
      out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (code & 0x3F));
    }
  }

  std::string parse_string() {
    if (peek() != '"') fail("expected a string");
    ++position_;
    std::string out;
    for (;;) {
      if (position_ >= text_.size()) fail("a string is cut short");
      const char c = text_[position_++];
      if (c == '"') return out;
      if (c == '\\') {
        parse_escape(out);
      } else {
        out += c;
      }
    }
  }

  void parse_escape(std::string& out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    const char c = peek();
    ++position_;
    if (c == 'u') {
      unsigned code = parse_hex();
      // A pair of surrogates is one code point beyond the first plane.
      if (code >= 0xD800 && code < 0xDC00 && text_.substr(position_, 2) == "\\u") {
        position_ += 2;
        code = 0x10000 + ((code - 0xD800) << 10) + (parse_hex() - 0xDC00);
      }
      append_utf8(out, code);
      return;
    }
    const size_t at = kNames.find(c);
    if (at == std::string_view::npos) fail("unknown escape");
    out += kValues[at];
  }

  std::string_view text_;
  size_t position_ = 0;
  size_t values_ = 0;
};

}  // namespace

Json parse_json(std::string_view text) { return Parser(text).document(); }

std::string quote_json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace sam
