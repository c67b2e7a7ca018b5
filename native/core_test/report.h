// What was checked and timed: lines for people, one JSON object for programs.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace sam::core_test {

struct Check {
  std::string name;  // family/case/what
  double worst;      // of all the differences; NaN fails
  double tolerance;
  bool ok() const { return worst <= tolerance; }
};

class Report {
 public:
  // `progress`: each check is printed there as it is made.
  explicit Report(std::ostream& progress) : progress_(progress) {}

  void check(const std::string& name, double worst, double tolerance);
  void timing(const std::string& name, double milliseconds);

  bool ok() const;
  // {device, torch, ok, checks: [{name, ok, worst, tolerance}], timings: {name: ms}}
  void print_json(std::ostream& out, const std::string& device) const;

 private:
  std::ostream& progress_;
  std::vector<Check> checks_;
  std::vector<std::pair<std::string, double>> timings_;
};

}  // namespace sam::core_test
