// How do lockgate's events get into the log that the program already has? log_lines hands each
// event over as one line with a level; ten lines connect it to spdlog. Any other library is the
// same.
#include "lockgate/lockgate.hpp"
#include "lockgate/observe/log_line.hpp"

#include "../check.hpp"
#include "../on_asio.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <exception>    // for exception
#include <memory>       // for make_shared
#include <string_view>  // for string_view

using namespace lockgate;

/// To spdlog, which has the same levels.
class to_spdlog {
 public:
  explicit to_spdlog(spdlog::logger& log) : log_(log) {}
  void operator()(log_level level, std::string_view line) const {
    static_assert(static_cast<int>(log_level::error) == SPDLOG_LEVEL_ERROR);
    log_.log(static_cast<spdlog::level::level_enum>(level),
             spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  spdlog::logger& log_;
};

class nobody {
 public:
  void establish_session(instance) {}
  status transition_active() { return {}; }
  status reach_transport_id(transport_id) { return errc::unreachable; }
  accepted send_buffers(std::span<const outgoing> messages) { return messages.size(); }
  void terminate_session(termination_reason) {}
};

task<> application(platform* cp, provider_instance* link) {
  check(co_await link->register_instance(), "register");
  endpoint app = cp->open_endpoint();
  const result<transport_id> id = co_await app.ready();
  check(id.error(), "ready");
  const status refused =
      co_await app.send_to(transport_id(), chain(std::as_bytes(std::span("hi"))));
  if (refused != errc::unreachable) check(refused, "send");
  check(co_await cp->stop(), "stop");
}

int main() try {
  spdlog::logger log("lockgate", std::make_shared<spdlog::sinks::stdout_sink_mt>());
  log.set_pattern("%n [%l] %v");
  asio::io_context io;
  asio_network net(io);
  log_lines lines(to_spdlog(log), log_level::info);
  platform cp(net);
  cp.observe(lines);
  provider_instance link = cp.create<nobody>();
  run_on(net, application(&cp, &link));
} catch (const std::exception& error) {
  spdlog::error("log_to_spdlog: {}", error.what());
  return 1;
}
