// What was checked and measured: lines for people, one JSON object for programs.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace sam::core_test {

struct Check {
  std::string name;  // family/case/what
  double worst;      // of all the differences; NaN fails
  double tolerance;
  bool fatal = true;  // whether the program fails with it
  std::string error;  // the words of what was thrown instead of a difference
  bool ok() const { return worst <= tolerance; }
};

struct Measure {
  std::string name;
  double value;
  std::string unit;
};

class Report {
 public:
  // `progress`: each check is printed there as it is made.
  explicit Report(std::ostream& progress) : progress_(progress) {}

  void check(const std::string& name, double worst, double tolerance);
  // Whether or not it holds, the program passes: for what a device may do otherwise without a fault.
  void note(const std::string& name, double worst, double tolerance);
  // What `work` throws becomes a failed check of this name, and the next one goes on.
  void attempt(const std::string& name, const std::function<void()>& work);
  void timing(const std::string& name, double milliseconds);
  void measure(const std::string& name, double value, const std::string& unit);
  void fact(const std::string& name, const std::string& text);
  // Before the names of all that follows.
  void set_prefix(const std::string& prefix) { prefix_ = prefix; }

  bool ok() const;
  // {device, torch, ok, facts: {name: text}, checks: [{name, ok, worst, tolerance, fatal, error?}],
  //  timings: {name: ms}, measures: {name: {value, unit}}}
  void print_json(std::ostream& out, const std::string& device) const;

 private:
  void add(Check check);

  std::ostream& progress_;
  std::string prefix_;
  std::vector<Check> checks_;
  std::vector<std::pair<std::string, double>> timings_;
  std::vector<Measure> measures_;
  std::vector<std::pair<std::string, std::string>> facts_;
};

}  // namespace sam::core_test
