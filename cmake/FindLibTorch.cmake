# Finds LibTorch under LIBTORCH and makes two imported targets of it: LibTorch::torch_cpu and LibTorch::c10.
#
# We don't use find_package(Torch): with a CUDA build of LibTorch it demands the CUDA toolkit, which nothing here
# needs (libtorch_cuda is loaded at run time).
#
# Input:   LIBTORCH             folder with include/ and lib/ (a libtorch zip unpacked, or site-packages/torch)
# Output:  LibTorch_VERSION     e.g. 2.13.0
#          LibTorch_LIBRARY_DIR

set(LIBTORCH "" CACHE PATH "Folder of LibTorch (holds include/ and lib/)")
set(_minimum 2.11)
set(_below 2.15)

if(NOT LIBTORCH)
  message(FATAL_ERROR "LibTorch: no folder given. Pass -DLIBTORCH=FOLDER, or run 'npx sam-native setup'.")
endif()
if(NOT IS_DIRECTORY "${LIBTORCH}/include" OR NOT IS_DIRECTORY "${LIBTORCH}/lib")
  message(FATAL_ERROR "LibTorch: ${LIBTORCH} has no include/ and lib/. Give the folder that holds both.")
endif()

# Version, from the headers: an installed wheel has no other file that says it without running Python.
set(_version_header "${LIBTORCH}/include/torch/headeronly/version.h")
if(NOT EXISTS "${_version_header}")
  set(_version_header "${LIBTORCH}/include/torch/csrc/api/include/torch/version.h")
endif()
if(NOT EXISTS "${_version_header}")
  message(FATAL_ERROR "LibTorch: ${LIBTORCH} has no torch/version.h among its headers; is it complete?")
endif()
foreach(_part MAJOR MINOR PATCH)
  file(STRINGS "${_version_header}" _line REGEX "#define TORCH_VERSION_${_part} [0-9]+" LIMIT_COUNT 1)
  string(REGEX REPLACE ".*TORCH_VERSION_${_part} ([0-9]+).*" "\\1" _${_part} "${_line}")
endforeach()
set(LibTorch_VERSION "${_MAJOR}.${_MINOR}.${_PATCH}")
if(LibTorch_VERSION VERSION_LESS _minimum OR NOT LibTorch_VERSION VERSION_LESS _below)
  message(FATAL_ERROR
    "LibTorch: ${LIBTORCH} is version ${LibTorch_VERSION}; 2.11 to 2.14 will do. Run 'npx sam-native setup' for one that does.")
endif()

# Headers of these versions are C++20.
if(NOT "cxx_std_20" IN_LIST CMAKE_CXX_COMPILE_FEATURES)
  message(FATAL_ERROR
    "LibTorch ${LibTorch_VERSION} needs a C++20 compiler; ${CMAKE_CXX_COMPILER} (${CMAKE_CXX_COMPILER_ID} "
    "${CMAKE_CXX_COMPILER_VERSION}) is none. Install g++ 11 or newer, or clang 14 or newer.")
endif()

set(LibTorch_LIBRARY_DIR "${LIBTORCH}/lib")
foreach(_name torch_cpu c10)
  find_library(LibTorch_${_name} ${_name} PATHS "${LibTorch_LIBRARY_DIR}" NO_DEFAULT_PATH NO_CACHE)
  if(NOT LibTorch_${_name})
    message(FATAL_ERROR "LibTorch: no library '${_name}' in ${LibTorch_LIBRARY_DIR}; is it complete?")
  endif()
endforeach()

# Older builds for Linux have the pre-C++11 std::string: they link, but with undefined symbols.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  file(STRINGS "${LibTorch_c10}" _error_symbol REGEX "_ZN3c105ErrorC[12].*__cxx11" LIMIT_COUNT 1)
  if(NOT _error_symbol)
    message(FATAL_ERROR
      "LibTorch: ${LIBTORCH} was built with the old C++ ABI (_GLIBCXX_USE_CXX11_ABI=0). Take a 'cxx11-abi' build.")
  endif()
endif()

foreach(_name torch_cpu c10)
  if(NOT TARGET LibTorch::${_name})
    add_library(LibTorch::${_name} SHARED IMPORTED)
    # Includes of an imported target are SYSTEM: the headers' own warnings stay out of -Werror.
    set_target_properties(LibTorch::${_name} PROPERTIES
      IMPORTED_LOCATION "${LibTorch_${_name}}"
      INTERFACE_INCLUDE_DIRECTORIES "${LIBTORCH}/include;${LIBTORCH}/include/torch/csrc/api/include")
  endif()
endforeach()
target_link_libraries(LibTorch::torch_cpu INTERFACE LibTorch::c10)
