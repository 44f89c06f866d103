#include "apps/beckon/app.hpp"

int main(int argc, char** argv) {
  return beckon::apps::run(argc, argv, {});
}
