#include "weights/unpickler.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>
#include <variant>

#include "storage/safetensors.h"

// LibTorch's own unpickler makes nothing of an OrderedDict, which every state dict is, hence this one. It
// knows the opcodes that pickle protocol 2 writes
// (https://github.com/python/cpython/blob/main/Lib/pickletools.py) and the few functions and types that state
// dicts name. A file that names any other is refused, and no code of a file ever runs.
namespace sam {
namespace {

struct Value;
using List = std::vector<Value>;
using Dict = std::vector<std::pair<Value, Value>>;

struct Global {
  std::string name;  // module.function
};

// A copy costs nothing, however much it is of: a few bytes of a pickle may make a million.
struct Value {
  std::variant<std::monostate, int64_t, std::shared_ptr<const std::string>, Global, Storage,
               std::shared_ptr<const TensorView>, std::shared_ptr<List>, std::shared_ptr<Dict>>
      as;

  const List* list() const {
    const auto* held = std::get_if<std::shared_ptr<List>>(&as);
    return held ? held->get() : nullptr;
  }
  const Dict* dict() const {
    const auto* held = std::get_if<std::shared_ptr<Dict>>(&as);
    return held ? held->get() : nullptr;
  }
};

// A pickle that takes more steps than this is no state dict's (that of a ViT-H takes 20,000); each may take
// some 150 bytes of memory.
constexpr size_t kMostSteps = 4'000'000;
constexpr uint64_t kMostPickleBytes = 100'000'000;
constexpr size_t kMostKeyBytes = 64;  // of a record: torch.save counts them

template <typename T>
const T& expect(const Value& value) {
  const T* held = std::get_if<T>(&value.as);
  if (!held) throw Malformed("a tensor's description is of an unknown form");
  return *held;
}

const std::string& text_of(const Value& value) { return *expect<std::shared_ptr<const std::string>>(value); }

constexpr std::pair<const char*, c10::ScalarType> kStorages[] = {
    {"torch.FloatStorage", c10::kFloat},   {"torch.HalfStorage", c10::kHalf},
    {"torch.DoubleStorage", c10::kDouble}, {"torch.BFloat16Storage", c10::kBFloat16},
    {"torch.LongStorage", c10::kLong},     {"torch.IntStorage", c10::kInt},
    {"torch.ShortStorage", c10::kShort},   {"torch.CharStorage", c10::kChar},
    {"torch.ByteStorage", c10::kByte},     {"torch.BoolStorage", c10::kBool},
};

// What else state dicts and the checkpoints around them name: schedules, settings, losses in NumPy's numbers.
// Nothing of it is called.
constexpr std::array kHarmless = {
    "collections.OrderedDict",
    "collections.Counter",
    "collections.defaultdict",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_parameter",
    "torch.Size",
    "torch.device",
    "_codecs.encode",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
};
// Of the module `builtins`, which protocol 2 calls `__builtin__`, and of `torch`.
constexpr std::array<std::string_view, 10> kBuiltinTypes = {"set", "frozenset", "complex", "list", "dict",
                                                            "int", "long",      "float",   "str",  "bool"};
constexpr std::array<std::string_view, 10> kTensorTypes = {
    "float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"};

bool is_harmless(const std::string& name) {
  const auto among = [](const auto& known, std::string_view wanted) {
    return std::find(known.begin(), known.end(), wanted) != known.end();
  };
  for (const std::string_view module : {"builtins.", "__builtin__."})
    if (name.starts_with(module)) return among(kBuiltinTypes, std::string_view(name).substr(module.size()));
  if (name.starts_with("torch.") && among(kTensorTypes, std::string_view(name).substr(6))) return true;
  return among(kHarmless, name);
}

class Unpickler {
 public:
  explicit Unpickler(std::string_view bytes) : rest_(bytes) {
    if (bytes.size() > kMostPickleBytes)
      throw Malformed("its pickle has " + std::to_string(bytes.size()) + " bytes");
  }
  Unpickler(const Unpickler&) = delete;
  Unpickler& operator=(const Unpickler&) = delete;
  // One after the other: a list in a list, three million deep, would exhaust the stack. Their holders below
  // keep each until it is empty.
  ~Unpickler() {
    for (const auto& list : lists_) list->clear();
    for (const auto& dict : dicts_) dict->clear();
  }

  // What it holds lives as long as this.
  Value run() {
    for (size_t steps = 0; steps < kMostSteps; ++steps) {
      const char opcode = take(1)[0];
      if (opcode == '.') return pop();
      step(opcode);
    }
    throw Malformed("its pickle takes more than 4,000,000 steps");
  }

 private:
  void step(char opcode) {
    // clang-format off
    switch (opcode) {
      case '\x80': take(1); break;                                    // PROTO
      case '\x95': take(8); break;                                    // FRAME
      case 'c': global(); break;                                      // GLOBAL
      case '\x93': stack_global(); break;                             // STACK_GLOBAL
      case 'q': memo_[number<uint8_t>()] = top(); break;              // BINPUT
      case 'r': memo_[number<uint32_t>()] = top(); break;             // LONG_BINPUT
      case '\x94': memoize(); break;                                  // MEMOIZE
      case 'h': recall(number<uint8_t>()); break;                     // BINGET
      case 'j': recall(number<uint32_t>()); break;                    // LONG_BINGET
      case '(': marks_.push_back(stack_.size()); break;               // MARK
      case '0': pop(); break;                                         // POP
      case 'N': push({}); break;                                      // NONE
      case '\x88': push({int64_t{1}}); break;                         // NEWTRUE
      case '\x89': push({int64_t{0}}); break;                         // NEWFALSE
      case 'K': push({int64_t{number<uint8_t>()}}); break;            // BININT1
      case 'M': push({int64_t{number<uint16_t>()}}); break;           // BININT2
      case 'J': push({int64_t{number<int32_t>()}}); break;            // BININT
      case '\x8a': long_integer(); break;                             // LONG1
      case 'G': take(8); push({}); break;                             // BINFLOAT: no tensor needs one
      case 'X': case 'T': case 'B': text(number<uint32_t>()); break;  // BINUNICODE, BINSTRING, BINBYTES
      case '\x8c': case 'U': case 'C': text(number<uint8_t>()); break;  // the same, SHORT_
      case '}': push(empty_dict()); break;                            // EMPTY_DICT
      case ')': case ']': case '\x8f': tuple(0); break;               // EMPTY_TUPLE, _LIST, _SET
      case '\x85': tuple(1); break;                                   // TUPLE1
      case '\x86': tuple(2); break;                                   // TUPLE2
      case '\x87': tuple(3); break;                                   // TUPLE3
      case 't': case 'l': case '\x91': list(since_mark()); break;     // TUPLE, LIST, FROZENSET
      case 'd': dict(since_mark()); break;                            // DICT
      case 'a': append({pop()}); break;                               // APPEND
      case 'e': case '\x90': append(since_mark()); break;             // APPENDS, ADDITEMS
      case 's': set_item(); break;                                    // SETITEM
      case 'u': set_items(since_mark()); break;                       // SETITEMS
      case 'Q': push(storage(pop())); break;                          // BINPERSID
      case 'R': reduce(); break;                                      // REDUCE
      case '\x81': pop(); pop(); push({}); break;                     // NEWOBJ: an object of some class
      case 'b': pop(); break;                                         // BUILD: attributes of what is below
      default: throw Malformed("unknown opcode " + std::to_string(static_cast<unsigned char>(opcode)));
    }
    // clang-format on
  }

  // --- Bytes ---
  std::string_view take(uint64_t count) {
    if (count > rest_.size()) throw Malformed("it is cut short");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  void text(uint64_t length) { push({std::make_shared<const std::string>(take(length))}); }

  std::string line() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) throw Malformed("it is cut short");
    std::string taken(take(end));
    take(1);
    return taken;
  }

  void long_integer() {
    const std::string_view bytes = take(number<uint8_t>());
    int64_t value = 0;
    if (bytes.size() > sizeof(value)) return push({});
    std::memcpy(&value, bytes.data(), bytes.size());
    const bool negative = !bytes.empty() && bytes.size() < sizeof(value) && (bytes.back() & 0x80);
    push({negative ? value - (int64_t{1} << (8 * bytes.size())) : value});
  }

  // --- Stack ---
  void push(Value value) { stack_.push_back(std::move(value)); }

  Value& top() {
    if (stack_.empty()) throw Malformed("its stack is empty");
    return stack_.back();
  }

  Value pop() {
    Value value = std::move(top());
    stack_.pop_back();
    return value;
  }

  List since_mark() {
    if (marks_.empty() || marks_.back() > stack_.size()) throw Malformed("its stack has no mark");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    List values(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }

  void tuple(size_t count) {
    if (stack_.size() < count) throw Malformed("its stack is empty");
    marks_.push_back(stack_.size() - count);
    list(since_mark());
  }

  void recall(uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) throw Malformed("it refers to something that it does not hold");
    push(found->second);
  }

  void memoize() {
    const uint64_t index = memo_.size();
    memo_[index] = top();
  }

  void global() {
    const std::string module = line();
    push({named(module + "." + line())});
  }

  void stack_global() {
    const Value function = pop(), module = pop();
    push({named(text_of(module) + "." + text_of(function))});
  }

  static Global named(const std::string& name) {
    if (name.size() > kMostNameBytes)
      throw Malformed("it names something of " + std::to_string(name.size()) + " bytes");
    const auto is_storage = [&](const auto& known) { return name == known.first; };
    if (is_harmless(name) || std::any_of(std::begin(kStorages), std::end(kStorages), is_storage))
      return {name};
    throw Refused(name);
  }

  // Lists and dicts of unknown kinds were replaced by None: what goes into those is dropped.
  void append(List values) {
    if (auto* list = std::get_if<std::shared_ptr<List>>(&top().as))
      for (Value& value : values) (*list)->push_back(std::move(value));
  }

  void set_items(const List& items) {
    auto* dict = std::get_if<std::shared_ptr<Dict>>(&top().as);
    for (size_t i = 0; dict && i + 1 < items.size(); i += 2) (*dict)->emplace_back(items[i], items[i + 1]);
  }

  void list(List values) {
    lists_.push_back(std::make_shared<List>(std::move(values)));
    push({lists_.back()});
  }

  Value empty_dict() {
    dicts_.push_back(std::make_shared<Dict>());
    return {dicts_.back()};
  }

  void set_item() {
    Value value = pop(), key = pop();
    set_items({std::move(key), std::move(value)});
  }

  void dict(const List& items) {
    push(empty_dict());
    set_items(items);
  }

  void reduce() {
    const Value arguments = pop(), function = pop();
    push(call(function, arguments));
  }

  // --- Tensors ---
  // ('storage', type, key, location, number of elements)
  static Value storage(const Value& id) {
    const List* parts = id.list();
    if (!parts || parts->size() < 5) throw Malformed("a tensor's description is of an unknown form");
    const std::string &type = expect<Global>((*parts)[1]).name, &key = text_of((*parts)[2]);
    if (key.size() > kMostKeyBytes)
      throw Malformed("a tensor's key has " + std::to_string(key.size()) + " bytes");
    for (const auto& [name, dtype] : kStorages)
      if (type == name) return {Storage{key, dtype}};
    throw Malformed("a tensor has the unknown type " + type);
  }

  static std::vector<int64_t> numbers(const Value& value) {
    const List& list = *expect<std::shared_ptr<List>>(value);
    if (list.size() > kMostSides) throw Malformed("a tensor has " + std::to_string(list.size()) + " sides");
    std::vector<int64_t> numbers;
    for (const Value& item : list) numbers.push_back(expect<int64_t>(item));
    return numbers;
  }

  Value call(const Value& function, const Value& arguments) {
    const auto* global = std::get_if<Global>(&function.as);
    const List* given = arguments.list();
    if (!global || !given) return {};
    if (global->name == "collections.OrderedDict") return empty_dict();
    if (global->name == "torch._utils._rebuild_parameter" && !given->empty()) return given->front();
    if (global->name != "torch._utils._rebuild_tensor_v2" && global->name != "torch._utils._rebuild_tensor")
      return {};
    if (given->size() < 4) throw Malformed("a tensor's description is of an unknown form");
    return {std::make_shared<const TensorView>(TensorView{expect<Storage>((*given)[0]),
                                                          expect<int64_t>((*given)[1]), numbers((*given)[2]),
                                                          numbers((*given)[3])})};
  }

  std::string_view rest_;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;
  std::map<uint64_t, Value> memo_;
  std::vector<std::shared_ptr<List>> lists_;
  std::vector<std::shared_ptr<Dict>> dicts_;
};

TensorViews tensors_of(const Value& value) {
  TensorViews tensors;
  const Dict* dict = value.dict();
  if (!dict) return tensors;
  for (const auto& [key, entry] : *dict) {
    const auto* name = std::get_if<std::shared_ptr<const std::string>>(&key.as);
    const auto* tensor = std::get_if<std::shared_ptr<const TensorView>>(&entry.as);
    if (!name || !tensor) continue;
    if ((*name)->size() > kMostNameBytes)
      throw Malformed("a tensor's name has " + std::to_string((*name)->size()) + " bytes");
    tensors[**name] = **tensor;
  }
  return tensors;
}

// A wrapper goes first: tensors beside it are a best loss and the like.
TensorViews state_dict_of(const Value& root) {
  for (const char* wrapper : {"model", "state_dict", "model_state_dict", "model_state"}) {
    if (!root.dict()) break;
    for (const auto& [key, entry] : *root.dict())
      if (const auto* name = std::get_if<std::shared_ptr<const std::string>>(&key.as);
          name && **name == wrapper)
        if (TensorViews tensors = tensors_of(entry); !tensors.empty()) return tensors;
  }
  return tensors_of(root);
}

}  // namespace

TensorViews unpickle_state_dict(std::string_view pickle) { return state_dict_of(Unpickler(pickle).run()); }

}  // namespace sam
