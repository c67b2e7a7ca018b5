#include "core_test/report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>

#include "storage/json.h"

namespace sam::core_test {
namespace {

std::string number(double value) {
  if (!std::isfinite(value)) return "null";
  std::ostringstream text;
  text << std::setprecision(9) << value;
  return text.str();
}

}  // namespace

void Report::check(const std::string& name, double worst, double tolerance) {
  const Check check{name, worst, tolerance};
  progress_ << (check.ok() ? "ok    " : "FAIL  ") << std::left << std::setw(48) << name
            << std::setprecision(3) << " differs by " << worst << ", allowed " << tolerance << std::endl;
  checks_.push_back(check);
}

void Report::timing(const std::string& name, double milliseconds) {
  progress_ << "time  " << std::left << std::setw(48) << name << ' ' << std::setprecision(4) << milliseconds
            << " ms" << std::endl;
  timings_.emplace_back(name, milliseconds);
}

bool Report::ok() const {
  return std::all_of(checks_.begin(), checks_.end(), [](const Check& c) { return c.ok(); });
}

void Report::print_json(std::ostream& out, const std::string& device) const {
  out << "{\"device\":" << quote_json(device) << ",\"torch\":" << quote_json(SAM_TORCH_VERSION)
      << ",\"ok\":" << (ok() ? "true" : "false") << ",\"checks\":[";
  for (const Check& check : checks_)
    out << (&check == &checks_.front() ? "" : ",") << "{\"name\":" << quote_json(check.name)
        << ",\"ok\":" << (check.ok() ? "true" : "false") << ",\"worst\":" << number(check.worst)
        << ",\"tolerance\":" << number(check.tolerance) << "}";
  out << "],\"timings\":{";
  for (const auto& [name, milliseconds] : timings_)
    out << (name == timings_.front().first ? "" : ",") << quote_json(name) << ":" << number(milliseconds);
  out << "}}\n";
}

}  // namespace sam::core_test
