#include "core_test/report.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
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

// "open", what `one` makes of each, separated by commas, "close".
template <typename List, typename One>
void print_list(std::ostream& out, char open, const List& list, char close, const One& one) {
  out << open;
  for (const auto& item : list) out << (&item == &list.front() ? "" : ",") << one(item);
  out << close;
}

std::string check_json(const Check& check) {
  const auto truth = [](bool value) { return value ? "true" : "false"; };
  return "{\"name\":" + quote_json(check.name) + ",\"ok\":" + truth(check.ok()) +
         ",\"worst\":" + number(check.worst) + ",\"tolerance\":" + number(check.tolerance) +
         ",\"fatal\":" + truth(check.fatal) +
         (check.error.empty() ? "" : ",\"error\":" + quote_json(check.error)) + "}";
}

}  // namespace

void Report::add(Check check) {
  const char* const verdict = check.ok() ? "ok    " : check.fatal ? "FAIL  " : "note  ";
  progress_ << verdict << std::left << std::setw(48) << check.name << std::setprecision(3);
  if (check.error.empty())
    progress_ << " differs by " << check.worst << ", allowed " << check.tolerance << std::endl;
  else
    progress_ << " " << check.error << std::endl;
  checks_.push_back(std::move(check));
}

void Report::check(const std::string& name, double worst, double tolerance) {
  add({prefix_ + name, worst, tolerance, /*fatal=*/true, {}});
}

void Report::note(const std::string& name, double worst, double tolerance) {
  add({prefix_ + name, worst, tolerance, /*fatal=*/false, {}});
}

void Report::attempt(const std::string& name, const std::function<void()>& work) {
  const auto failed = [&](const std::string& words) {
    add({prefix_ + name, std::numeric_limits<double>::quiet_NaN(), 0, /*fatal=*/true, words});
  };
  try {
    work();
  } catch (const c10::Error& error) {
    failed(error.what_without_backtrace());
  } catch (const std::exception& error) {
    failed(error.what());
  }
}

void Report::timing(const std::string& name, double milliseconds) {
  progress_ << "time  " << std::left << std::setw(48) << prefix_ + name << ' ' << std::setprecision(4)
            << milliseconds << " ms" << std::endl;
  timings_.emplace_back(prefix_ + name, milliseconds);
}

void Report::measure(const std::string& name, double value, const std::string& unit) {
  progress_ << "rate  " << std::left << std::setw(48) << prefix_ + name << ' ' << std::setprecision(4)
            << value << ' ' << unit << std::endl;
  measures_.push_back({prefix_ + name, value, unit});
}

void Report::fact(const std::string& name, const std::string& text) {
  progress_ << "fact  " << std::left << std::setw(48) << prefix_ + name << ' ' << text << std::endl;
  facts_.emplace_back(prefix_ + name, text);
}

bool Report::ok() const {
  return std::all_of(checks_.begin(), checks_.end(), [](const Check& c) { return c.ok() || !c.fatal; });
}

void Report::print_json(std::ostream& out, const std::string& device) const {
  out << "{\"device\":" << quote_json(device) << ",\"torch\":" << quote_json(SAM_TORCH_VERSION)
      << ",\"ok\":" << (ok() ? "true" : "false") << ",\"facts\":";
  print_list(out, '{', facts_, '}',
             [](const auto& fact) { return quote_json(fact.first) + ":" + quote_json(fact.second); });
  out << ",\"checks\":";
  print_list(out, '[', checks_, ']', check_json);
  out << ",\"timings\":";
  print_list(out, '{', timings_, '}',
             [](const auto& timing) { return quote_json(timing.first) + ":" + number(timing.second); });
  out << ",\"measures\":";
  print_list(out, '{', measures_, '}', [](const Measure& measure) {
    return quote_json(measure.name) + ":{\"value\":" + number(measure.value) +
           ",\"unit\":" + quote_json(measure.unit) + "}";
  });
  out << "}\n";
}

}  // namespace sam::core_test
