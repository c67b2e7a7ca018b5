// A JSON value and its parser, as far as safetensors headers need them (RFC 8259; numbers are kept as
// doubles).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sam {

struct Json {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string string;
  std::vector<Json> array;
  std::map<std::string, Json> object;
};

// Throws std::invalid_argument that says where the text is wrong, or that it holds more than a million values
// (a value takes some 130 bytes, and two in the text).
Json parse_json(std::string_view text);

// The text as a JSON string, quotes included.
std::string quote_json(std::string_view text);

}  // namespace sam
