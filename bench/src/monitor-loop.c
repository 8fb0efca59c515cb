/* The least that a relay can do: poll, read, write. */
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static char piece[65536];

int main(int count, char **words) {
  int to_server[2], from_server[2];
  if (count < 2 || pipe(to_server) || pipe(from_server)) return 1;
  pid_t server = fork();
  if (server == 0) {
    dup2(to_server[0], 0);
    dup2(from_server[1], 1);
    close(to_server[0]);
    close(to_server[1]);
    close(from_server[0]);
    close(from_server[1]);
    execvp(words[1], words + 1);
    _exit(127);
  }
  close(to_server[0]);
  close(from_server[1]);
  struct pollfd sources[2] = {{0, POLLIN, 0}, {from_server[0], POLLIN, 0}};
  int sinks[2] = {to_server[1], 1};
  while (poll(sources, 2, -1) >= 0) {
    for (int side = 0; side < 2; side += 1) {
      if (sources[side].revents == 0) continue;
      ssize_t size = read(sources[side].fd, piece, sizeof piece);
      if (size <= 0) {
        if (side == 1) {
          waitpid(server, 0, 0);
          return 0;
        }
        close(sinks[0]);
        sources[0].fd = -1;
        continue;
      }
      for (ssize_t done = 0; done < size;) {
        ssize_t written = write(sinks[side], piece + done, size - done);
        if (written < 0) return 1;
        done += written;
      }
    }
  }
  return 1;
}
